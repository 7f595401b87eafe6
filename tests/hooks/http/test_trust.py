"""Every client trusts the same certificates, read once."""

import httpx

from hooks.http.trust import trusted_certificates


def test_trusted_certificates_are_read_once_and_check_who_answers() -> None:
    trusted = trusted_certificates()
    assert trusted is trusted_certificates()
    assert trusted.check_hostname
    assert trusted.get_ca_certs() == httpx.create_ssl_context().get_ca_certs()
