"""`seedrender schema`: what may stand in a manifest?"""

from __future__ import annotations

import click

from seedrender.source import schema


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of manifests (draft 2020-12), for editors and validators."""
    click.echo(schema.schema_text(), nl=False)
    return 0
