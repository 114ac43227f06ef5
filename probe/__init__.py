"""The agent on the device: slots, engines, transfer, conditions, spool, uplink, identity."""
