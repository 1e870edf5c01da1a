"""watersim: who gets how much water, when, and why not more."""

__version__ = "0.1.0"
