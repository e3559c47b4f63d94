"""A stand-in for the runtime: the same command line and stdio protocol, in a process of its own, with a scripted model.

It needs neither an API key nor a built runtime. It is chosen explicitly, and says in ``server_info`` what it is.
"""
