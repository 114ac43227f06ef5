"""The collector: takes records, keeps them as evidence, shows them."""
