"""Addresses of the desk's pages about cases."""

from django.urls import path

from cases.pages import case, console, public, rules

urlpatterns = [
    path("", console.console, name="console"),
    path("cases/<str:number>/", case.case_page, name="case-page"),
    path("cases/<str:number>/act/<slug:action>/", case.act, name="case-act"),
    path("cases/<str:number>/public/", public.words, name="case-public"),
    path("console/points/", console.points, name="console-points"),
    path("console/news/", console.news, name="console-news"),
    path("console/options/<slug:name>/", console.options, name="console-options"),
    path("console/views/", console.save_view, name="console-views"),
    path("console/export/", console.export, name="console-export"),
    path("console/messages/", console.messages, name="desk-messages"),
    path("console/standards/", case.standards, name="console-standards"),
    path("console/component/<str:code>/", case.component_cases, name="component-cases"),
    path("rules/", rules.rules_page, name="rules"),
    path("rules/new/", rules.new_rule, name="rule-new"),
    path("rules/<int:pk>/end/", rules.end_rule, name="rule-end"),
]
