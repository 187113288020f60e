from __future__ import annotations

import pytest

from seedrender.errors import ArtifactError
from seedrender.values.hosting import UrlPrefix

PREFIX = UrlPrefix(url="https://cdn.example/film/")


def test_a_file_of_the_folder_is_served_under_its_path() -> None:
    assert PREFIX.address("refs/eine straße.png") == (
        "https://cdn.example/film/refs/eine%20stra%C3%9Fe.png"
    )


@pytest.mark.parametrize("path", ["../secret.png", "refs/../../secret.png"])
def test_a_file_outside_of_the_folder_has_no_address(path: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        PREFIX.address(path)

    assert str(caught.value) == f"{path} is not below the manifest, and hosting.prefix serves that"
