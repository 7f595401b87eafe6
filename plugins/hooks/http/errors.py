"""What can go wrong with a vendor, in the words that retry rules and people use.

Every message names the vendor, the operation, the HTTP status and what to do. It never holds a secret, a request
body or anything about a person. Retry rules name these classes by dotted path, `hooks.http.errors.RateLimited`.
"""

from collections.abc import Mapping


class VendorError(Exception):
    """A vendor did not do what we asked.

    vendor: the vendor's short name, as in its connection id.
    operation: what we asked for, for example `start_reveal`.
    status: the HTTP status, or None when there was no answer.
    advice: what the reader should do now.
    """

    def __init__(self, vendor: str, operation: str, status: int | None, advice: str) -> None:
        self.vendor = vendor
        self.operation = operation
        self.status = status
        self.advice = advice
        answer = f"HTTP {status}" if status is not None else "no answer"
        super().__init__(f"{vendor} {operation}: {answer}. {advice}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders (task runner, triggerer); the default pickles only the message.
        return (_rebuilt, (type(self), self.__dict__, self.args))


def _rebuilt(kind: type[VendorError], state: Mapping[str, object], args: tuple[object, ...]) -> VendorError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class AuthFailed(VendorError):
    """The key is wrong, missing or not allowed to do this. Never retried: a person must change the connection."""


class BadRequest(VendorError):
    """The vendor refused the request itself. Never retried: the same request is refused again.

    fields: the names of the fields that the vendor complained about, empty when it named none.
    code: the vendor's own error code, None when it sent none.
    """

    def __init__(
        self,
        vendor: str,
        operation: str,
        status: int | None,
        advice: str,
        fields: tuple[str, ...] = (),
        code: int | None = None,
    ) -> None:
        super().__init__(vendor, operation, status, advice)
        self.fields = fields
        self.code = code


class NotFound(BadRequest):
    """The vendor has no such record. For many operations that is an answer and not a failure."""


class EndpointNotFound(VendorError):
    """The host or the path is not the vendor's (3xx, 405, 404 where no record is named). Nothing was done.

    Never retried: a person must correct the connection, or the code where the vendor has changed its contract.
    """


class OutOfCredits(VendorError):
    """The account cannot pay for the call. Never retried: a person must buy credits, then clear the task."""


class RateLimited(VendorError):
    """Still told to slow down after the retries in seconds. The call was not processed; retry in minutes.

    retry_after: seconds that the vendor asked us to wait, or None when it did not say.
    """

    def __init__(
        self, vendor: str, operation: str, status: int | None, advice: str, retry_after: float | None = None
    ) -> None:
        super().__init__(vendor, operation, status, advice)
        self.retry_after = retry_after


class VendorDown(VendorError):
    """No connection, or a 5xx, after the retries in seconds. Retry in minutes."""


class ReportNotReady(VendorError):
    """The vendor makes a report in the background and had not finished it by our deadline. Retry in minutes."""


class ResponseLost(VendorError):
    """A call that costs money or sends something went out, and its answer never came.

    The vendor may have done it. Whoever made the call must leave its intent without a response, so that the ledger
    holds it outcome unknown, and must not make the call again before it was reconciled with the vendor.
    """


class OutcomeUnknown(VendorError):
    """A task left calls with an unknown outcome, and nothing can reconcile them with the vendor. Never retried: a retry would skip
    them and be green, and nobody would know.
    """
