"""The probe's commands, one module for each group of them."""
