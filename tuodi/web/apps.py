"""Django app of the pages. It has no models."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The room `web`."""

    name = "tuodi.web"
    label = "web"
    verbose_name = "页面"
