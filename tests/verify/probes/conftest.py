import pytest

from verify.run import one_thread


@pytest.fixture(autouse=True)
def alone():
    """Thousands of small calls: on a busy machine threads that wait for each other slow them by far."""
    with one_thread():
        yield
