"""How weights are fitted: heads, whole networks, losses, rates, processes."""
