"""`db`, `client`, `settings`, `rf` (pytest-django).

packages: pytest-django Django
options: --ds=django_settings
"""

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, rf):
    return rf.get(f"/{n}").path


@N
def test_settings(n, settings):
    settings.EXAMPLE = n
    from django.conf import settings as used

    return used.EXAMPLE


@N
@pytest.mark.django_db
def test_db(n):
    from django.contrib.auth.models import User

    User.objects.create_user(f"user-{n}")
    return User.objects.count()


@N
def test_client(n, client, db):
    from django.contrib.auth.models import User

    client.force_login(User.objects.create_user("x"))
    return len(client.session.keys())


@N
def test_fails(n):
    from django.contrib.auth.models import User

    return User.objects.count()
