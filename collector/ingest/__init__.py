"""From a request's bytes to verified records: limits, chain, seal, columns."""
