"""Video and pictures, through PyAV and Pillow."""
