"""Measurements against peers: both sides in the same run, in turns, by the medians.

`python -m benchmarks` runs all of them, `python -m benchmarks start throughput` some. What is compared is a ratio of
times on the same machine, so that it holds elsewhere; seconds are only shown for orientation. With `SENOSCOPE_DATA`
set pictures are of BUSI, with `SENOSCOPE_WEIGHTS` set the backbone is pretrained; otherwise pictures are synthetic and
weights random, which changes what is learned and hardly how long it takes.
"""
