"""What could make a number unfair, read from the kernel before, during and after a test.

    interface, wifi, device, route, router (each reads one thing)  ←  load, counters (over time)  ←
    watch (puts them together)

Every reader takes the root of the file system, and says null for what the device does not tell.
No child process is started; nothing is asked on the network but the router, where
that is wished; and nothing here raises for a file that is not there.
"""
