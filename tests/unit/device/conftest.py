"""conftest: a GPU that is not there, whose memory is looked through at the end."""

import pytest

from tests import fake_cuda


@pytest.fixture
def cuda():
    made = fake_cuda.gpu()
    with made.attached():
        yield made
        made.close()
        made._driver.space.check()
