"""The colours of all charts: Okabe and Ito's, which colour-blind people can tell apart.

https://jfly.uni-koeln.de/color/. Yellow, hardly seen on white, and black, on black, are left out.
"""

BLUE, VERMILION, GREEN, PURPLE, AMBER, SKY = COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
)  # fmt: skip
GREY = "#8A8A8A"
