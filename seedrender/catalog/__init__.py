"""Models and prices: dated data files, and the one loader that reads them."""
