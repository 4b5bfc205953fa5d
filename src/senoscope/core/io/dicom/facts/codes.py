"""Codes of DICOM PS3.16 for how a breast was imaged, in SNOMED CT and in the older SRT, and the words for them."""

VIEWS = {
    **dict.fromkeys(("399162004", "R-10242"), "CC"),
    **dict.fromkeys(("399368009", "R-10226"), "MLO"),
    **dict.fromkeys(("399260004", "R-10224"), "ML"),
    **dict.fromkeys(("399352003", "R-10228"), "LM"),
    **dict.fromkeys(("399099002", "R-10230"), "LMO"),
    **dict.fromkeys(("399196006", "R-10244"), "FB"),
    **dict.fromkeys(("399192008", "R-1024A"), "XCCL"),
    **dict.fromkeys(("399101009", "R-1024B"), "XCCM"),
    **dict.fromkeys(("399188001", "R-102D0"), "SIO"),
    **dict.fromkeys(("441555000", "R-40AAA"), "ISO"),
    **dict.fromkeys(("127457009", "G-8310"), "specimen"),
}
"""Context group 4014, view for mammography; ACR's short words."""

MODIFIERS = {
    **dict.fromkeys(("399209000", "R-102D5"), "implant displaced"),
    **dict.fromkeys(("399163009", "R-102D6"), "magnification"),
    **dict.fromkeys(("399055006", "R-102D7"), "spot compression"),
    **dict.fromkeys(("399161006", "R-102D2"), "cleavage"),
    **dict.fromkeys(("399011000", "R-102D1"), "axillary tail"),
    **dict.fromkeys(("399197002", "R-102D3"), "rolled lateral"),
    **dict.fromkeys(("399226006", "R-102D4"), "rolled medial"),
    **dict.fromkeys(("414493004", "R-102CA"), "rolled inferior"),
    **dict.fromkeys(("415670009", "R-102C9"), "rolled superior"),
    **dict.fromkeys(("399110001", "R-102C2"), "tangential"),
    **dict.fromkeys(("442581004", "R-40AB3"), "nipple in profile"),
    **dict.fromkeys(("441752004", "P2-00161"), "anterior compression"),
    **dict.fromkeys(("442593008", "R-40ABE"), "inframammary fold"),
    **dict.fromkeys(("442580003", "R-40AB2"), "axillary tissue"),
}
"""Context group 4015, view modifier for mammography."""

SUFFIXES = {
    "ID": "implant displaced",
    "RL": "rolled lateral",
    "RM": "rolled medial",
    "RI": "rolled inferior",
    "RS": "rolled superior",
    "NP": "nipple in profile",
    "AC": "anterior compression",
    "IMF": "inframammary fold",
    "AX": "axillary tissue",
}
"""What ACR's words for modifiers become behind a view's."""

PREFIXES = {"M": "magnification", "S": "spot compression"}
"""What they become before it."""

WHOLE_WORDS = {"CV": ("CC", "cleavage"), "AT": ("MLO", "axillary tail")}
"""What they become instead of it."""

SIDES = {
    **dict.fromkeys(("7771000", "G-A101"), "L"),
    **dict.fromkeys(("24028007", "G-A100"), "R"),
    **dict.fromkeys(("51440002", "G-A102"), "B"),
}
"""Context group 244, laterality."""
