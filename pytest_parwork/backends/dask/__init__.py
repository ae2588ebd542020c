"""The backend `dask`: clusters of `dask.distributed`, local and joined."""
