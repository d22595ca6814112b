import CheckCircle from '@mui/icons-material/CheckCircle';
import RadioButtonUnchecked from '@mui/icons-material/RadioButtonUnchecked';
import {
  Card,
  CardActionArea,
  CardContent,
  List,
  ListItemButton,
  ListItemIcon,
  ListItemText,
  Typography,
} from '@mui/material';
import Box from '@mui/material/Box';
import { useEffect, useState } from 'react';
import { Link, Title, useEvent, useLogout, useTranslate } from 'react-admin';
import { type AdminResource, ask, type Day, type Home, type Queues, readHome } from '../api.ts';
import { useFailure } from '../failures.ts';
import { listenQueues } from '../live.ts';
import { Chart } from './Chart.tsx';

const resourceOf = { plans: 'plans', b2b_profile: 'b2b-profiles', subscription: 'subscriptions' };

const listPath = ({ name, queue }: AdminResource) =>
  `/${name}${queue ? `?filter=${encodeURIComponent(JSON.stringify(queue.filter))}` : ''}`;

export function Dashboard() {
  const [translate, failed, logout] = [useTranslate(), useFailure(), useLogout()];
  const leave = useEvent(() => void logout());
  const [home, setHome] = useState<Home | null>(null);
  const [queues, setQueues] = useState<Queues>({});
  const [days, setDays] = useState<Day[]>([]);
  useEffect(() => {
    readHome(true).then(fresh => {
      setHome(fresh);
      setQueues(fresh.queues);
    }, failed);
    ask<{ results: Day[] }>('GET', '/api/admin/charts/').then(({ results }) => setDays(results), failed);
    return listenQueues(setQueues, leave);
  }, [failed, leave]);
  if (!home) return <Title title="ra.page.dashboard" />;
  const seen = new Map(home.resources.map(resource => [resource.name, resource]));
  return (
    <Box sx={{ display: 'grid', gap: 2, mt: 2 }}>
      <Title title="ra.page.dashboard" />
      <Checklist home={home} seen={seen} />
      <Typography variant="h6">{translate('app.queues')}</Typography>
      <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: 'repeat(auto-fit, minmax(160px, 1fr))' }}>
        {[...seen.values()]
          .filter(({ queue }) => queue)
          .map(resource => (
            <Card key={resource.name}>
              <CardActionArea component={Link} to={listPath(resource)}>
                <CardContent>
                  <Typography color="textSecondary">{resource.label}</Typography>
                  <Typography variant="h4" data-queue={resource.queue?.name}>
                    {queues[resource.queue?.name ?? ''] ?? 0}
                  </Typography>
                </CardContent>
              </CardActionArea>
            </Card>
          ))}
      </Box>
      <Charts days={days} />
    </Box>
  );
}

/** The three steps after which business can begin; gone once they are done. */
function Checklist({ home, seen }: { home: Home; seen: Map<string, AdminResource> }) {
  const translate = useTranslate();
  if (home.checklist.every(({ done }) => done)) return null;
  return (
    <Card>
      <CardContent>
        <Typography variant="h6">{translate('app.setup')}</Typography>
        <List>
          {home.checklist.map(({ step, done, label }) => {
            const resource = seen.get(resourceOf[step]);
            return (
              <ListItemButton
                key={step}
                data-step={step}
                data-done={done}
                {...(resource ? { component: Link, to: listPath(resource) } : { disabled: true })}
              >
                <ListItemIcon>{done ? <CheckCircle color="success" /> : <RadioButtonUnchecked />}</ListItemIcon>
                <ListItemText primary={label} />
              </ListItemButton>
            );
          })}
        </List>
      </CardContent>
    </Card>
  );
}

function Charts({ days }: { days: Day[] }) {
  const translate = useTranslate();
  const sum = (name: 'otp_sent' | 'otp_used' | 'otp_cost') => days.reduce((total, day) => total + day[name], 0);
  const percent = sum('otp_sent') > 0 ? Math.round((100 * sum('otp_used')) / sum('otp_sent')) : 0;
  const conversion = translate('app.conversion', { percent, cost: sum('otp_cost').toLocaleString() });
  return (
    <>
      <Typography variant="h6">{translate('app.last_days')}</Typography>
      <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: 'repeat(auto-fit, minmax(260px, 1fr))' }}>
        {(['registrations', 'posts', 'messages', 'otp_sent'] as const).map(name => (
          <Card key={name}>
            <CardContent>
              <Typography color="textSecondary">{translate(`app.${name}`)}</Typography>
              <Chart values={days.map(day => ({ day: day.day, value: day[name] }))} />
              {name === 'otp_sent' && <Typography variant="body2">{conversion}</Typography>}
            </CardContent>
          </Card>
        ))}
      </Box>
    </>
  );
}
