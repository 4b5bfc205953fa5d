"""Every error Senoscope raises on purpose.

SenoscopeError
├── InputError            a file or image that cannot be used
│   ├── MissingFileError      it is not there
│   ├── UnreadableImageError  it is there and is not a readable image
│   ├── ImageTooLargeError    more bytes or pixels than the bound
│   ├── UnsupportedImageError readable, but of a kind that is not supported
│   ├── NotDicomError         it is of another kind, where DICOM is looked for
│   └── BurnedInError         its pixels may show who the patient is
├── UsageError            a request that makes no sense (unknown name, bad option)
├── RecipeError           a recipe that does not parse or contradicts itself
├── BundleError           a bundle that must not be trusted
├── DatasetError          a dataset folder, index or split that cannot be used
│   └── NoRankingError        answers in which a higher score does not mean a likelier positive
├── WeightsError          pretrained weights that cannot be found or loaded
├── MissingExtraError     an optional dependency that is not installed
├── RunError              a run folder that does not fit the request, or a run that cannot go on
└── ServiceError          the service cannot do what was asked
    ├── NotFoundError         no such record
    └── SettingsError         settings that must not be started with
"""

from collections.abc import Callable


def printable(text: str) -> str:
    """Escape control signs: the name of a hostile file must not command the terminal or break the line."""
    # Lone surrogates, as in undecodable names, are the output stream's to escape.
    return "".join(sign if sign.isprintable() or "\ud800" <= sign <= "\udfff" else repr(sign)[1:-1] for sign in text)


class SenoscopeError(Exception):
    """Root of the tree.

    Args:
        message: one line that says what is wrong, naming the file, key or value.
        hint: one line that says what to do about it.
    """

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> "tuple[Callable[..., SenoscopeError], tuple[type[SenoscopeError], str, str]]":
        return _sent, (type(self), self.message, self.hint)


def _sent(kind: type[SenoscopeError], message: str, hint: str) -> SenoscopeError:
    """An error as another process raised it, whatever its own arguments are."""
    error = kind.__new__(kind)
    SenoscopeError.__init__(error, message, hint)
    return error


class InputError(SenoscopeError):
    """A file or image that cannot be used."""

    code = "input"


class MissingFileError(InputError):
    """The file or folder is not there."""

    code = "missing_file"


class UnreadableImageError(InputError):
    """The file is there and is not a readable image."""

    code = "unreadable_image"


class ImageTooLargeError(InputError):
    """The file holds more bytes or pixels than the bound."""

    code = "image_too_large"


class UnsupportedImageError(InputError):
    """The image is readable, but of a kind that is not supported."""

    code = "unsupported_image"


class NotDicomError(InputError):
    """The file is of another kind, where DICOM is looked for; that is no fault of it."""

    code = "not_dicom"


class BurnedInError(InputError):
    """The picture may show who the patient is, and nobody asked for its pixels to be cleaned."""

    code = "burned_in"


class UsageError(SenoscopeError):
    """A request that makes no sense: an unknown name, a bad option."""

    code = "usage"


class RecipeError(SenoscopeError):
    """A recipe that does not parse or contradicts itself."""

    code = "recipe"


class BundleError(SenoscopeError):
    """A bundle that must not be trusted."""

    code = "bundle"


class DatasetError(SenoscopeError):
    """A dataset folder, index or split that cannot be used."""

    code = "dataset"


class NoRankingError(DatasetError):
    """Answers in which a higher score does not mean a likelier positive, so that nothing can be calibrated on them."""

    code = "no_ranking"


class WeightsError(SenoscopeError):
    """Pretrained weights that cannot be found or loaded."""

    code = "weights"


class MissingExtraError(SenoscopeError):
    """An optional dependency that is not installed.

    Args:
        feature: what needs it, as the user asked for it.
        extra: name of the extra that brings it.
    """

    code = "missing_extra"

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs packages that are not installed", f"pip install 'senoscope[{extra}]'")


class RunError(SenoscopeError):
    """A run folder that does not fit the request, or a run that cannot go on."""

    code = "run"


class ServiceError(SenoscopeError):
    """The service cannot do what was asked."""

    code = "service"


class NotFoundError(ServiceError):
    """No such record."""

    code = "not_found"


class SettingsError(ServiceError):
    """Settings that the service must not start with."""

    code = "settings"
