"""What lies beside the network in a bundle."""
