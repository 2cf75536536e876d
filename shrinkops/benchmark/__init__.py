"""The benchmark kit: ratios to named peers, measured so that a noisy machine cannot fake them."""
