"""`seedrender unpin`: the word that takes a pin back."""

from seedrender.cli.pin import undo as command

__all__ = ["command"]
