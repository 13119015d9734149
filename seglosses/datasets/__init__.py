"""Data: a brick-wall generator whose Betti numbers are known, and the TopoMortar layout."""
