"""Pages and pictures from stored results; nothing in this room loads a model or imports torch."""
