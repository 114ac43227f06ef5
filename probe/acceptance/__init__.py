"""The technician's acceptance test: may this device certify a line, and up to which rate?

Each check is a reader, which asks the device or the network, and a rule, which turns its reading
into a finding. `probe.acceptance.run` puts them together; what a finding says is with its rule.
"""
