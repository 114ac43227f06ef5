"""What could make a number unfair, read from the kernel before, during and after a test.

    interface, wifi, device, route (each reads one thing)  ←  watch (puts them together)

Every reader takes the root of the file system, and says null for what the device does not tell.
No child process is started, and nothing here raises for a file that is not there.
"""
