"""``shrinkops demo``: wavelet denoising of real records, on every backend that is ready.

Modules
-------
``command``   the command line, the only module imported to list its options
``_records``  what is denoised: records that ship with PyWavelets, or the user's file
``_wavelets`` decomposition, universal threshold, reconstruction, signal-to-noise ratio
``_backends`` one run per backend and device: the same coefficients, the bits compared
``_report``   the tables
``_picture``  the picture
``_distributed`` a Zarr array larger than the memory of dask's worker processes
"""
