"""The Dockerfile and its build context: the plan as text, for container engines."""
