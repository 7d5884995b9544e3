import pytest

from verify.run import one_thread


@pytest.fixture(autouse=True)
def alone():
    """Thousands of small calls: threads that wait for each other on a busy machine make them slower by far."""
    with one_thread():
        yield
