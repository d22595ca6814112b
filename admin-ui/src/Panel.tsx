import { Admin, defaultDarkTheme, defaultLightTheme, Layout, type LayoutProps, Resource } from 'react-admin';
import type { Home } from './api.ts';
import { i18nProvider } from './i18n.ts';
import { Dashboard } from './pages/Dashboard.tsx';
import { LoginPage } from './pages/LoginPage.tsx';
import { authProvider, dataProvider } from './providers.ts';
import { RecordForm } from './records/RecordForm.tsx';
import { RecordList } from './records/RecordList.tsx';
import { RecordPage } from './records/RecordPage.tsx';
import { titleOf } from './records/Value.tsx';
import { panelStore } from './store.ts';
import { TopBar } from './TopBar.tsx';

const font = { typography: { fontFamily: 'system-ui, "Segoe UI", Roboto, sans-serif' } };
const light = { ...defaultLightTheme, ...font };
const dark = { ...defaultDarkTheme, ...font };

/** As wide as the window: a wide table scrolls by itself. */
const narrow = { minWidth: 0, '& .RaLayout-content': { minWidth: 0 } };
const Page = (props: LayoutProps) => <Layout {...props} appBar={TopBar} sx={narrow} />;

const store = panelStore();

/** Drawn from what the server says of each resource: a new one needs no line here. */
export function Panel() {
  return (
    <Admin
      {...{ authProvider, dataProvider, i18nProvider, store, dashboard: Dashboard, loginPage: LoginPage, layout: Page }}
      {...{ theme: light, darkTheme: dark, title: 'Parthub', disableTelemetry: true, requireAuth: true }}
    >
      {(home: Home | null) =>
        (home?.resources ?? []).map(resource => (
          <Resource
            key={resource.name}
            name={resource.name}
            options={{ label: resource.label }}
            recordRepresentation={record => titleOf(resource, record)}
            {...(resource.needs.length === 0 && { list: <RecordList resource={resource} /> })}
            show={<RecordPage resource={resource} />}
            {...(resource.permissions.edit && { edit: <RecordForm resource={resource} isNew={false} /> })}
            {...(resource.permissions.create && { create: <RecordForm resource={resource} isNew /> })}
          />
        ))
      }
    </Admin>
  );
}
