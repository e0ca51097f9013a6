"""What the commands share: paths, the environment, browser files, embedded servers, child processes.

Standard library only, except where a module says so: these run before anything is installed.
"""
