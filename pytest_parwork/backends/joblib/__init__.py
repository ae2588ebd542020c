"""The backends `joblib…`: `joblib.Parallel` with each backend that joblib knows."""
