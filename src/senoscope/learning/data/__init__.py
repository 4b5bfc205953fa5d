"""What is learnt from: samples, pictures, features and their changes."""
