"""The signs that stand beside numbers: units, currencies, %, and what a spreadsheet exports."""

import re
import unicodedata
from collections.abc import Iterable

_LETTERS = re.compile(  # currencies; symbols are known by their Unicode category
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN"
    "|MYR|NOK|NZD|PEN|PHP|PLN|RMB|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
    "|S?Fr\\.?|Ft|kr\\.?|K\u010d|lei|Rp|Rs\\.?|\u0440\u0443\u0431\\.?|z\u0142"
)
_COMMAS_GROUP = re.compile(  # currencies of countries that write 1,234.50
    "(US|A|AU|C|CA|HK|NZ|S|MX)?[$]|[\u00a3\u00a5\uffe5\u20a9\u20b9\u20aa]"
    "|AUD|CAD|CNY|GBP|HKD|ILS|INR|JPY|KRW|MXN|MYR|NZD|PHP|RMB|Rs\\.?|SGD|THB|TWD|USD"
)
ABOUT = {"~", "\u2248"}  # before a number that is not known exactly
EXPORTED = {'="', '"'}  # around a number that a spreadsheet is to take for a text
_UNITS = (
    '% \u2030 " \u00b0 \u00b0c \u00b0f \u00bac \u00baf '
    "mm cm dm m km in inch inches ft feet foot yd yard yards mi mile miles nm \u00b5m \u03bcm "
    "mm2 cm2 m2 km2 m\u00b2 cm\u00b2 mm\u00b2 km\u00b2 sqm qm sqft ft2 ft\u00b2 ha acre acres "
    "ml cl dl l litre litres liter liters gal gallon gallons cc m3 cm3 m\u00b3 cm\u00b3 ft3 "
    "mg \u00b5g \u03bcg g kg t ton tons tonne tonnes lb lbs oz "
    "ms s sec secs second seconds min mins minute minutes h hr hrs hour hours d day days "
    "wk wks week weeks mo mos month months y yr yrs year years "
    "tag tage woche wochen monat monate jahr jahre std stunde stunden jour jours an ans mois "
    "km/h kmh kph mph m/s kn kt kts knots w kw mw gw wh kwh mwh gwh hp bhp ps cv kcal cal kj mj "
    "mv kv ma mah hz khz mhz ghz bar mbar hpa kpa psi kb mb gb tb kbps mbps gbps "
    "km/l kmpl mpg l/100km g/km rpm nm db px pt dpi ppm ppb fps mg/l g/l mg/dl mmol/l "
    "\u00b5g/m3 \u00b5g/m\u00b3 pc pcs stk"
)
_ONE_UNIT = (  # in whatever case, and with the plural; MW is no mW, ML no ml
    "inch inches|foot feet|yard yards|mile miles|acre acres|litre litres|liter liters"
    "|gallon gallons|ton tons|tonne tonnes|lb lbs|sec secs|second seconds|min mins|minute minutes"
    "|hr hrs|hour hours|day days|wk wks|week weeks|mo mos|month months|yr yrs|year years|tag tage"
    "|woche wochen|monat monate|jahr jahre|stunde stunden|jour jours|an ans|pc pcs|kg|km|cm|oz|ft"
    "|sqm|sqft|kwh|km/h|kmh|kph|mph|hp|bhp|ps|rpm|kcal|mpg|kmpl"
)
_SINGULAR = {sign: one.split()[0] for one in _ONE_UNIT.split("|") for sign in one.split()}


def unit_of(sign: str) -> str:
    """Return the sign that stands for the same unit in the singular and in small letters.

    >>> unit_of("Years"), unit_of("KG"), unit_of("MW"), unit_of("\u20ac")
    ('year', 'kg', 'MW', '€')
    """
    return _SINGULAR.get(sign.casefold(), sign)


def measuring(signs: Iterable[str]) -> set[str]:
    """Return those of the signs by which a number is another one: not those of `ABOUT`.

    >>> measuring(["kg", "~"]), measuring(['="', '"'])
    ({'kg'}, set())
    """
    found = set(signs) - ABOUT
    return found - EXPORTED if found >= EXPORTED else found


def is_currency(sign: str) -> bool:
    """Tell whether a sign is one of a currency: a symbol, or letters.

    >>> is_currency("US$"), is_currency("EUR"), is_currency("kg")
    (True, True, False)
    """
    symbols = (unicodedata.category(one) == "Sc" for one in sign)
    return bool(_LETTERS.fullmatch(sign)) or any(symbols)


def commas_group(sign: str) -> bool:
    """Tell whether numbers in a currency have commas between thousands, as ¥2,519 has."""
    return _COMMAS_GROUP.fullmatch(sign) is not None


def is_prefix(sign: str) -> bool:
    """Tell whether a sign before a number leaves it a number, unlike the Q of Q1."""
    return not sign or sign in {"%", '="', *ABOUT} or is_currency(sign)


def is_known(sign: str) -> bool:
    """Tell whether a sign is known beyond doubt; an A may be amperes, or part of a code.

    >>> is_known("kg"), is_known("KG"), is_known("A"), is_known("flurbs")
    (True, True, False, False)
    """
    if sign in ABOUT | EXPORTED or is_currency(sign):
        return True
    is_letter = len(sign) == 1 and sign.isupper() and sign != "L"
    return sign.casefold() in _UNITS.split() and not is_letter


def may_be_unit(sign: str) -> bool:
    """Tell whether a sign after a number may be a unit: D-3 is an exponent, pm a time of day."""
    if re.fullmatch(r"[ap]\.?m\.?|st|nd|rd|th", sign, re.IGNORECASE):
        return False
    return is_known(sign) or not re.search(r"[-+\u2212\u00b1*]|\d", sign)
