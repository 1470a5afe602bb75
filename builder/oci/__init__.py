"""Image values after the OCI image specification: digests, descriptors, manifests, configs, layers. No I/O."""
