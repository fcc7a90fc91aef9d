"""What `Sandbox` is made of: the child process, calls of its control API, views of what happened, Jupyter."""
