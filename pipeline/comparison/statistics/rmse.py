"""Root mean squared error made additive, so that the statistics of accuracies hold for it too.

Accuracy is the mean of what each example contributes; RMSE, r, is not. But near the observed r it moves as its
first-order expansion does (the delta method): with squared errors e² of N examples, the mean of r / 2 + e² / (2 r) is
exactly r, and a change in which examples are drawn changes that mean as it changes r, up to second order. These shares,
with their sign turned so that more is better, take the place of 0 and 1.

Measured on 8 simulated candidates of equal RMSE (errors with a part that all share, one of each candidate's own and one
of each seed's; normal, or t-distributed with 4 degrees of freedom), 100 comparisons a row. "own", "differences": 95 %
intervals of one RMSE, and of all differences, that hold the truth; "false": comparisons in which any pair is called
different after Holm; "half": half-width of a difference, as a share of the RMSE.

    seeds  examples  spread  tails    own  differences  false   half
        3       100    0.03  normal  0.950        0.948   0.05  0.146
        3       100    0.03  heavy   0.875        0.939   0.04  0.165
        5        60    0     normal  0.916        0.939   0.06  0.167
        5        60    0.03  heavy   0.833        0.913   0.05  0.197

Squares of heavy-tailed errors vary without bound, so the interval of one RMSE is too narrow there; in differences most
of it cancels.
"""

from __future__ import annotations

from pipeline.scores import root_mean_of as rmse_of
from pipeline.scores import shares_of_rmse as shares_of

__all__ = ["rmse_of", "shares_of"]
