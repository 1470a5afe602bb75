"""What runs an image: the command for Docker and podman, a Compose file, and Kubernetes' objects. Pure."""
