//! Group fairness from one count cube, with intervals and tests.
