"""How much an average over seeds would vary with other seeds, told from what it is without each of them.

An ensemble of S seeds is one draw: nothing shows directly what S other seeds would have made. The jackknife (Quenouille
1956, Tukey 1958) does: with c the contributions of the whole and c₋ₛ those without seed s, each seed is given

    c - (S - 1) (c₋ₛ - mean of c₋ₛ over the seeds)

The mean over the seeds is c, exactly. The variance of these values between seeds, divided by S, is the jackknife's
estimate of the variance of the whole. Of a mean they are the seeds' own contributions. So an ensemble stands beside
other candidates in the same statistics, and its few seeds are told as uncertain as theirs. The estimate errs upwards,
since ensembles of one seed less vary more (Efron and Stein 1981); with two seeds it is the spread of the single models.

Those statistics take the seeds of any two candidates as independent (see `SeedSpread.of`), an ensemble and its own
members among them, whose luck with their seeds is mostly the same. So what they differ by is told less sure than it is,
and nobody is said to be as likely the best as it is. Joint draws with the correlation that these values tell were tried
(`benchmarks/who_is_best.py`) and are not made. They told that probability better (0.41 where it was 0.44, against 0.36
where it was 0.47, with two seeds), but regrets too small (0.6 points of 0.9, against 0.9 of 0.7), and their limits held
less often (0.86 against 0.90). Presumably since it is told too large here how far an ensemble varies: joint draws then
explain its lead over its own members by luck that it did not have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def jackknifed(whole: Floats, left_out: Floats) -> Floats:
    """(E, S, N) contributions, each seed's as above.

    Args:
        whole: (E, N) contributions of the ensembles.
        left_out: (E, S, N) without each seed.
    """
    seeds = left_out.shape[1]
    return np.asarray(whole[:, None] - (seeds - 1) * (left_out - left_out.mean(axis=1, keepdims=True)))
