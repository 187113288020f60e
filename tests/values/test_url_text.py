"""URLs as they travel."""

from __future__ import annotations

import pytest

from seedrender.values.url_text import ascii_url


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://a.example/x%20y.png?sig=a%2Fb+c", "https://a.example/x%20y.png?sig=a%2Fb+c"),
        ("https://a.example/x y.png", "https://a.example/x%20y.png"),
        (
            "https://bücher.example:8443/füße/雨.png?q=ä&s=a%2Fb#é",
            "https://xn--bcher-kva.example:8443/f%C3%BC%C3%9Fe/%E9%9B%A8.png?q=%C3%A4&s=a%2Fb#%C3%A9",
        ),
        ("https://例え.jp/雨.mp4", "https://xn--r8jz45g.jp/%E9%9B%A8.mp4"),
        ("https://[::1/ä", "https://[::1/ä"),
    ],
)
def test_what_is_not_ascii_is_encoded_and_what_is_encoded_stays(url: str, sent: str) -> None:
    assert ascii_url(url) == sent
