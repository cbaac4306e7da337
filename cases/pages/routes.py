"""Addresses of the desk's pages about cases."""

from django.urls import path

from cases.pages import case, console, flows, register, rules

urlpatterns = [
    path("", console.console, name="console"),
    path("cases/<str:number>/", case.case_page, name="case-page"),
    path("cases/<str:number>/act/<slug:action>/", case.act, name="case-act"),
    path("console/points/", console.points, name="console-points"),
    path("console/news/", console.news, name="console-news"),
    path("console/options/<slug:name>/", console.options, name="console-options"),
    path("console/views/", console.save_view, name="console-views"),
    path("console/export/", console.export, name="console-export"),
    path("console/messages/", console.messages, name="desk-messages"),
    path("console/register/", register.register, name="console-register"),
    path("console/places/", register.places, name="console-places"),
    path("cases/<str:number>/contact/", register.contact, name="case-contact"),
    path("console/standards/", case.standards, name="console-standards"),
    path("console/component/<str:code>/", case.component_cases, name="component-cases"),
    path("flows/", flows.flows_page, name="flows"),
    path("flows/<slug:name>/<int:version>/", flows.flow_page, name="flow-page"),
    path("flows/<slug:name>/<int:version>/draft/", flows.new_draft, name="flow-draft"),
    path("flows/<slug:name>/<int:version>/definition/", flows.definition, name="flow-definition"),
    path("flows/<slug:name>/<int:version>/<slug:what>/", flows.step, name="flow-step"),
    path("flows/<slug:name>/<int:version>/parts/<slug:kind>/<slug:number>/", flows.part, name="flow-part"),
    path("rules/", rules.rules_page, name="rules"),
    path("rules/new/", rules.new_rule, name="rule-new"),
    path("rules/<int:pk>/end/", rules.end_rule, name="rule-end"),
]
