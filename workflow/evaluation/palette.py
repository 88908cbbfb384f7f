"""The colours of all pictures: Okabe and Ito's, which colour-blind people can tell apart.

https://jfly.uni-koeln.de/color/. Of the eight, yellow and black are left out: one is hard to see on
white, the other on black.
"""

BLUE, VERMILION, GREEN, PURPLE, AMBER, SKY = COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
)  # fmt: skip
GREY = "#8A8A8A"
