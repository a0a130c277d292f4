"""A resident at the browser: signs in by the code that lies in the outbox, draws his name."""

from __future__ import annotations

import re
from typing import Any

from tuodi.messages.models import Message
from tuodi.messages.outbox import read
from tuodi.org.access import system_scope
from tuodi.people.models import ResidentAccount
from tuodi.people.residents import register_phone
from tuodi.people.secrets import open_id

PHONE = {"width": 360, "height": 760}


def account_for(person: Any, phone: str = "13800001234") -> ResidentAccount:
    """The resident's account, his phone on file."""
    with system_scope(person.region[:6]):
        return register_phone(acting_user=None, person=person, phone=phone)


def enter(page: Any, live_server: Any, person: Any) -> None:
    """Signs in as a person does, with the code he is sent."""
    with system_scope("cn"):
        number = open_id(person)
    page.goto(f"{live_server.url}/my/sign-in/")
    page.get_by_label("姓名").fill(person.name)
    page.get_by_label("身份证号码").fill(number)
    page.get_by_role("button", name="获取短信验证码").click()
    page.get_by_label("短信验证码").wait_for()
    with system_scope("cn"):
        _to, text = read(Message.objects.filter(template="sign_in_code").order_by("-created_at").first())
    page.get_by_label("短信验证码").fill(re.search(r"\d{6}", text).group())
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def draw(page: Any) -> None:
    """Draws in every pad of the page."""
    pads = page.locator("canvas[data-sign]")
    for place in range(pads.count()):
        canvas = pads.nth(place)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 70, steps=4)
        page.mouse.move(box["x"] + 160, box["y"] + 40, steps=4)
        page.mouse.up()
