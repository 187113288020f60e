"""seedrender: a declarative batch renderer for AI video."""

__version__ = "0.1.0"
