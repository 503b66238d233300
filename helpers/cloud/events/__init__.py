"""Event sources that moto does not deliver to functions, or not as AWS does."""
