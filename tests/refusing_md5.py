"""A ``sitecustomize`` by which Python refuses MD5, as on a host in FIPS mode."""

WITHOUT_MD5 = """
import _hashlib, hashlib, hmac
def refuse(*_, **__):
    raise ValueError("[digital envelope routines] unsupported")
def refuse_md5(original):
    def new(name, *arguments, **options):
        return refuse() if "md5" in str(name).lower() else original(name, *arguments, **options)
    return new
hashlib.md5 = _hashlib.openssl_md5 = refuse
hashlib.new = refuse_md5(hashlib.new)
_hashlib.new = refuse_md5(_hashlib.new)
_original = _hashlib.hmac_new
def _hmac_new(key, msg=b"", digestmod=None):
    return refuse() if "md5" in str(digestmod).lower() else _original(key, msg, digestmod=digestmod)
_hashlib.hmac_new = _hmac_new
"""
"""Content of the module that Python imports at its start."""
