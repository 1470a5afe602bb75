"""Local places where images rest: OCI layouts and archives, Docker archives; read and written."""
