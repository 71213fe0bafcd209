"""Stands in for the package of this name, which djoser imports and Debian does not have.

A message is made of a template's blocks subject, text_body and html_body."""
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import get_template


class BaseEmailMessage(EmailMultiAlternatives):
    template_name = None

    def __init__(self, request=None, context=None, template_name=None, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.request, self.context = request, context or {}
        self.template_name = template_name or self.template_name

    def get_context_data(self):
        host = self.request.get_host() if self.request else ""
        return {
            **self.context,
            "protocol": "https" if self.request and self.request.is_secure() else "http",
            "domain": getattr(settings, "DOMAIN", "") or host,
            "site_name": getattr(settings, "SITE_NAME", "") or host,
        }

    def send(self, to, *args, **kwargs):
        template = get_template(self.template_name).template
        context, blocks = Context(self.get_context_data()), {}
        with context.render_context.push_state(template), context.bind_template(template):
            for node in template.nodelist:
                if getattr(node, "name", None):
                    blocks[node.name] = node.render(context).strip()
        self.subject, self.body = blocks["subject"], blocks["text_body"]
        self.attach_alternative(blocks["html_body"], "text/html")
        self.to, self.from_email = to, settings.DEFAULT_FROM_EMAIL
        return super().send(*args, **kwargs)
